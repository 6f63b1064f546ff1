//go:build !linux

package stack

import "syscall"

// attributes leave a child in its owner's process group: without the kernel's help of Linux, Ctrl-C at the terminal is what ends it when the
// owner dies without doing so.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
