package stack

import "syscall"

// attributes put a child into a process group of its own, so that Ctrl-C reaches its owner alone and the owner ends it in order, and have the
// kernel kill it when the owner dies without doing so.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
