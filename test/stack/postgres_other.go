//go:build !linux

package stack

import (
	"os"
	"syscall"
)

// postgresAttributes are those of any child: outside Linux nobody runs these tests as root.
func postgresAttributes(string) (*syscall.SysProcAttr, error) { return attributes(), nil }

// give writes a file for PostgreSQL, which runs as the same user.
func give(path string, data []byte, _ *syscall.SysProcAttr) error {
	return os.WriteFile(path, data, privateFile)
}
