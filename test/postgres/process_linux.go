package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// attributes put PostgreSQL into a process group of its own, so that Ctrl-C reaches this program alone and it ends PostgreSQL in order, and have the
// kernel kill it when this program dies without doing so. PostgreSQL refuses to run as root: then it is postgres, or nobody, who gets the folder.
func attributes(dir string) (*syscall.SysProcAttr, error) {
	as := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		return as, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return as, os.Chown(dir, int(uid), int(gid))
	}
	return nil, fmt.Errorf("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as")
}

// give writes a file for the user that PostgreSQL runs as.
func give(path string, data []byte, as *syscall.SysProcAttr) error {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	if as.Credential == nil {
		return nil
	}
	return os.Chown(path, int(as.Credential.Uid), int(as.Credential.Gid))
}
