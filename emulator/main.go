// Command emulator serves Adobe IMS, Flow Service and Pinterest v5 from one scenario, for rehearsals.
//
// It prints one line with its URL once it listens and exits 0 on SIGINT or SIGTERM, 1 when it cannot do its work and 2
// on wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"cutover/internal/emulator"
)

// shutdownGrace is how long requests under way may take to end.
const shutdownGrace = 5 * time.Second

// errUsage marks what the person at the command line can put right.
var errUsage = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "emulator:", strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "emulator:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	listen, scenario, ledger, urlFile, logFormat string
	seed                                         int64
}

// run parses the arguments and serves until the context ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var s settings
	cmd := &cobra.Command{
		Use:           "emulator",
		Short:         "Serve Adobe IMS, Flow Service and Pinterest v5 from a scenario",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), s, stdout, stderr) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8480", "address to listen on; port 0 picks a free one")
	flags.StringVar(&s.scenario, "scenario", "", "scenario file (default: a small one, built in)")
	flags.StringVar(&s.ledger, "ledger", "", "also write the ledger to this file, one JSON object a line")
	flags.StringVar(&s.urlFile, "url-file", "", "write the base URL to this file once listening")
	flags.StringVar(&s.logFormat, "log-format", "console", "console or json")
	flags.Int64Var(&s.seed, "seed", 1, "seed of the faults that have a probability")
	cmd.AddCommand(healthCommand(stdout))
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	var work *workError
	if err != nil && !errors.As(err, &work) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return err
}

// healthCommand asks a running emulator, for health checks of images that hold nothing but these programs.
func healthCommand(stdout io.Writer) *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running emulator whether it serves",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := askHealth(cmd.Context(), url); err != nil {
				return &workError{err}
			}
			fmt.Fprintln(stdout, "serving")
			return nil
		},
	}
	cmd.Flags().StringVar(&url, "url", "http://127.0.0.1:8480", "base URL of the emulator")
	return cmd
}

func askHealth(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_emulator/health", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	answer, err := new(http.Client).Do(request)
	if err != nil {
		return fmt.Errorf("no emulator answers: %w", err)
	}
	if err := answer.Body.Close(); err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the emulator answers %s", answer.Status)
	}
	return nil
}

// workError is a failure that is not the command line's.
type workError struct{ error }

func (w *workError) Unwrap() error { return w.error }

// serve wires and runs the server.
func serve(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	if _, _, err := net.SplitHostPort(s.listen); err != nil {
		return fmt.Errorf("flag --listen is %q: give HOST:PORT such as 127.0.0.1:0", s.listen)
	}
	log, err := newLogger(s.logFormat, stderr)
	if err != nil {
		return err
	}
	scenario, err := readScenario(s.scenario)
	if err != nil {
		return err
	}
	e, err := emulator.New(scenario, emulator.Options{Logger: log, LedgerFile: s.ledger, Seed: s.seed})
	if err != nil {
		return err
	}
	if err := errors.Join(listen(ctx, e, s, stdout, log), e.Close()); err != nil {
		return &workError{err}
	}
	return nil
}

func readScenario(path string) (emulator.Scenario, error) {
	if path == "" {
		return emulator.SmallScenario()
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return emulator.Scenario{}, fmt.Errorf("flag --scenario: no file at %s", path)
	}
	if err != nil {
		return emulator.Scenario{}, fmt.Errorf("flag --scenario: %w", err)
	}
	scenario, err := emulator.ParseScenario(text)
	if err != nil {
		return emulator.Scenario{}, fmt.Errorf("%s: %w", path, err)
	}
	return scenario, nil
}

func newLogger(format string, stderr io.Writer) (*zap.Logger, error) {
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.RFC3339TimeEncoder
	var encoder zapcore.Encoder
	switch format {
	case "console":
		encoder = zapcore.NewConsoleEncoder(config)
	case "json":
		encoder = zapcore.NewJSONEncoder(config)
	default:
		return nil, fmt.Errorf("--log-format %q: write console or json", format)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(stderr)), zap.InfoLevel)), nil
}

// listen serves until the context ends, then lets requests under way finish.
func listen(ctx context.Context, handler http.Handler, s settings, stdout io.Writer, log *zap.Logger) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.listen, err)
	}
	url := "http://" + listener.Addr().String()
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: zap.NewStdLog(log),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := announce(url, s.urlFile, stdout); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

// announce says where the emulator is. The file appears whole or not at all.
func announce(url, file string, stdout io.Writer) error {
	if file != "" {
		if err := os.WriteFile(file+".tmp", []byte(url+"\n"), 0o600); err != nil {
			return fmt.Errorf("write URL file: %w", err)
		}
		if err := os.Rename(file+".tmp", file); err != nil {
			return fmt.Errorf("write URL file: %w", err)
		}
	}
	if _, err := fmt.Fprintln(stdout, "emulator listening on "+url); err != nil {
		return fmt.Errorf("print URL: %w", err)
	}
	return nil
}
