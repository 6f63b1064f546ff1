package stack

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// capDACOverride lets a process pass folders that are another user's alone (linux/capability.h).
const capDACOverride = 1

// postgresAttributes are those of any child. But PostgreSQL refuses to run as root: then it is postgres, or nobody, who gets the folder, and who may
// pass the folders above it, since a test's are its user's alone.
func postgresAttributes(dir string) (*syscall.SysProcAttr, error) {
	as := attributes()
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
		as.AmbientCaps = []uintptr{capDACOverride}
		return as, os.Chown(dir, int(uid), int(gid))
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as")
}

// give writes a file for the user that PostgreSQL runs as.
func give(path string, data []byte, as *syscall.SysProcAttr) error {
	if err := os.WriteFile(path, data, privateFile); err != nil {
		return err
	}
	if as.Credential == nil {
		return nil
	}
	return os.Chown(path, int(as.Credential.Uid), int(as.Credential.Gid))
}
