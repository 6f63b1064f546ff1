// Command compose checks docker-compose.yml without a container engine: first as strictly as an engine reads it, then by
// rules of our own, and compares the search attributes it sets up with those given on standard input, one Name=Type a line.
//
// It exits 0 when nothing was found, 1 with one line per finding, 2 on wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("compose", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("file", "docker-compose.yml", "compose `file` to check")
	attributes := flags.String("attributes", "deploy/temporal/search-attributes", "the stack's search attributes, a `file` named from beside the compose file")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "unexpected argument %q\n", flags.Arg(0))
		return 2
	}

	project, err := load(ctx, *file)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	findings := check(project)
	differences, err := compareFile(filepath.Join(filepath.Dir(*file), *attributes), stdin)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	findings = append(findings, differences...)
	for _, finding := range findings {
		fmt.Fprintln(stderr, finding)
	}
	if len(findings) > 0 {
		return 1
	}
	fmt.Fprintf(stdout, "%s: %d services hold every rule\n", *file, len(project.Services))
	return 0
}

// load reads the whole file, the rehearsal included, and with no environment: the defaults written in it must be enough.
func load(ctx context.Context, file string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{file},
		cli.WithProfiles([]string{"*"}), // all of them
		cli.WithConsistency(true),
		cli.WithResolvedPaths(true),
	)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return project, nil
}
