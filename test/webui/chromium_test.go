package webui

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// envChromium names the browser; unset, it is looked for in PATH.
const envChromium = "CUTOVER_CHROMIUM"

// chromium is the path of the browser. Without one the test fails: `make test` leaves this package out where there is none, and says so.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv(envChromium), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium: install one or set " + envChromium)
	return ""
}

const (
	// Of the window, in pixels, and so of the pictures.
	width, height = 1400, 900
	// startPatience bounds the browser's start and closePatience its end, on a busy machine.
	startPatience = time.Minute
	closePatience = 20 * time.Second
)

// open opens a window. It closes, and the browser ends, with the test.
func open(t *testing.T, path string) *window {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.DisableGPU,
		// Nothing but the page is to be asked for.
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.Flag("no-proxy-server", true),
		chromedp.WSURLReadTimeout(startPatience),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	browser, end := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	t.Cleanup(func() {
		closing, stop := context.WithTimeout(ctx, closePatience)
		defer stop()
		if err := chromedp.Cancel(closing); err != nil {
			t.Logf("close the browser: %v", err)
		}
	})
	w := &window{ctx: ctx}
	t.Cleanup(func() { w.explain(t) })
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, height)))
	return w
}
