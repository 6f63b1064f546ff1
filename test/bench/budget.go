package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"cutover/test/stack"
)

// measureBudget repeats what `make budget` measures: none of it depends on time.
func measureBudget(ctx context.Context, b *bench) error {
	root, err := stack.ModuleRoot()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "run", "./test/budget")
	cmd.Dir = root
	var said, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &failed
	if err := cmd.Run(); err != nil {
		if _, short := errors.AsType[*exec.ExitError](err); !short || said.Len() == 0 {
			return fmt.Errorf("go run ./test/budget: %w: %s", err, strings.TrimSpace(failed.String()))
		}
	}
	lines := bufio.NewScanner(&said)
	for lines.Scan() {
		var v bar
		if _, err := fmt.Sscanf(lines.Text(), "bar %s %g %g", &v.Name, &v.Measured, &v.Limit); err == nil {
			b.bar(v)
		}
	}
	return lines.Err()
}
