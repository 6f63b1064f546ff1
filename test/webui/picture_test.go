package webui

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"cutover/test/stack"
)

const (
	// envPictures set to 1 has the pictures of the documentation taken anew; a test by itself leaves the tree as it is.
	envPictures = "CUTOVER_PICTURES"
	// maxPicture keeps the repository small.
	maxPicture = 400 << 10
)

// layout is where everything stands that a page is made of. Little marks of life in it move for ever.
const layout = `[...document.querySelectorAll("main, main h1, main h3, main th, main td, main button, iframe")].map(e => e.getBoundingClientRect())
	.map(box => [box.x, box.y, box.width, box.height].join()).join(" ")`

// picture keeps what the window shows, as soon as it stands still, as docs/<name>.
func (w *window) picture(t *testing.T, name string) {
	t.Helper()
	require.NoError(t, w.do(t.Context(), chromedp.MouseEvent("mouseMoved", width-1, height-1))) // off whatever would light up under it
	last := ""
	read(t, w, "a page that stands still", layout, func(now string) bool {
		still := now == last
		last = now
		return still
	})
	image, err := w.shoot(t.Context())
	require.NoError(t, err)
	require.Less(t, len(image), maxPicture)
	if os.Getenv(envPictures) != "1" {
		return
	}
	root, err := stack.ModuleRoot()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "docs", name), image, 0o644))
}

func (w *window) shoot(ctx context.Context) ([]byte, error) {
	page, cancel := w.bounded(ctx)
	defer cancel()
	return chromedp.Run(page, chromedp.CaptureScreenshot())
}

// explain keeps what the window shows at the end of a test that failed, where `go test -artifacts` puts such things.
func (w *window) explain(t *testing.T) {
	t.Helper()
	if !t.Failed() {
		return
	}
	image, err := w.shoot(context.WithoutCancel(t.Context()))
	if err == nil {
		err = os.WriteFile(filepath.Join(t.ArtifactDir(), "window.png"), image, 0o600)
	}
	if err != nil {
		t.Logf("keep a picture of the window: %v", err)
	}
}
