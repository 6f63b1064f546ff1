package stack

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Binaries are the paths of the product's commands and of the emulator.
type Binaries struct {
	Worker, Starter, Portal, Emulator string
}

// Build builds the commands of this module into dir.
func Build(ctx context.Context, dir string) (Binaries, error) {
	root, err := ModuleRoot()
	if err != nil {
		return Binaries{}, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return Binaries{}, fmt.Errorf("build: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), "./worker", "./starter", "./portal", "./emulator")
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		return Binaries{}, fmt.Errorf("build worker, starter, portal and emulator: %w: %s", err, strings.TrimSpace(string(output)))
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	return Binaries{Worker: in("worker"), Starter: in("starter"), Portal: in("portal"), Emulator: in("emulator")}, nil
}
