//go:build !linux

package main

import (
	"os"
	"syscall"
)

// attributes leave PostgreSQL in this program's process group: without the kernel's help of Linux, Ctrl-C at the terminal is what ends it when this
// program dies without doing so.
func attributes(string) (*syscall.SysProcAttr, error) { return &syscall.SysProcAttr{}, nil }

// give writes a file for PostgreSQL, which runs as the same user.
func give(path string, data []byte, _ *syscall.SysProcAttr) error {
	return os.WriteFile(path, data, 0o600)
}
