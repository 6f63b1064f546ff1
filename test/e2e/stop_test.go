package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/test/e2e/world"
	"cutover/test/stack"
)

// The worker is stopped, as by a deployment, while a pair has both of its sides on.
func TestStopInMidSwitch(t *testing.T) {
	t.Parallel()
	acme := world.Company("Acme", "Retargeting", "Newsletter")
	w := world.New(t, world.Options{Organizations: []world.Organization{acme}, Idle: true})
	_, err := w.Vendor.AddFault(t.Context(), slowSecondWrite(acme))
	require.NoError(t, err)
	worker := command(t, w)
	w.Type(t, "start", "--all")
	signIn(t, w, acme)
	midSwitch(t, w, acme)
	stopped := time.Now()
	require.NoError(t, worker.Process.Signal(syscall.SIGTERM))
	stillMidSwitch(t, w, acme)
	require.NoError(t, worker.Wait(), "exit code 0: it was asked to stop")
	require.Less(t, time.Since(stopped), engine.StopTimeout, "it finished what it had begun and nothing else")
	writes, err := w.Writes(t.Context(), acme)
	require.NoError(t, err)
	require.Len(t, writes, 2, "the pair under way was carried over before the end")

	w.StartWorker(t, "next")
	w.Migrated(t, acme)
	w.SwitchedOnce(t, acme)
}

// endPatience bounds the life of a worker that does not end when it is asked to.
const endPatience = 2 * time.Minute

// command starts a worker whose exit code can be asked for.
func command(t *testing.T, w *world.World) *exec.Cmd {
	t.Helper()
	log, err := os.Create(filepath.Join(w.Dir, "stopped.log"))
	require.NoError(t, err)
	defer log.Close() // the worker has its own
	ctx, cancel := context.WithTimeout(t.Context(), endPatience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, w.Binaries.Worker)
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.Dir, log, log
	cmd.Env = append(os.Environ(), stack.TemporalEnv(w.Dir, w.Temporal)...)
	cmd.Env = append(cmd.Env, config.EnvCredentials+"="+w.Credentials, config.EnvHealthAddress+"=127.0.0.1:0",
		config.EnvAdobeIMSURL+"="+w.Vendor.URL, config.EnvAdobeURL+"="+w.Vendor.URL)
	require.NoError(t, cmd.Start())
	return cmd
}
