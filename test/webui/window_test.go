package webui

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"cutover/test/e2e/world"
)

// window is the browser's window. It is used as a person uses it: what is clicked must be in sight and not covered by anything.
type window struct {
	ctx context.Context //nolint:containedctx // chromedp keeps the window in it
}

// stepPatience bounds one step within a page.
const stepPatience = 10 * time.Second

// show opens an address.
func (w *window) show(t *testing.T, url string) {
	t.Helper()
	require.NoError(t, w.do(t.Context(), chromedp.Navigate(url)))
}

// reload loads the page again.
func (w *window) reload(t *testing.T) {
	t.Helper()
	require.NoError(t, w.do(t.Context(), chromedp.Reload()))
}

// do runs steps within ctx and within patience.
func (w *window) do(ctx context.Context, steps ...chromedp.Action[chromedp.Void]) error {
	page, cancel := w.bounded(ctx)
	defer cancel()
	return chromedp.Do(page, steps...)
}

// bounded is the window's context with the bounds of ctx and of a step.
func (w *window) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	page, cancel := context.WithTimeout(w.ctx, stepPatience)
	stop := context.AfterFunc(ctx, cancel)
	return page, func() { stop(); cancel() }
}

// script evaluates JavaScript in the page.
func script[T any](ctx context.Context, w *window, expression string) (T, error) {
	page, cancel := w.bounded(ctx)
	defer cancel()
	return chromedp.Run(page, chromedp.Evaluate[T](expression))
}

// point is where an element can be clicked.
type point struct{ X, Y float64 }

// reach finds the element of a selector that is in sight, with this text if one is given, scrolls to it, and tells where it can be clicked: where
// nothing covers it. Pages have some elements twice, for narrow and wide windows, and slide others in.
const reach = `((selector, text) => {
	for (const element of document.querySelectorAll(selector)) {
		if (!element.checkVisibility() || element.disabled || text && !element.innerText.includes(text)) continue;
		element.scrollIntoView({block: "nearest"});
		const box = element.getBoundingClientRect();
		const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
		const top = document.elementFromPoint(x, y);
		if (top && element.contains(top)) return {X: x, Y: y};
	}
	return null;
})(%s, %s)`

// click clicks an element as soon as it stands still in sight. The text, if one is given, is part of what it says.
func (w *window) click(t *testing.T, selector, text string) {
	t.Helper()
	expression := fmt.Sprintf(reach, quoted(t, selector), quoted(t, text))
	var last *point
	at := world.Await(t, strings.TrimSpace("something to click: "+selector+" "+text), func(ctx context.Context) (*point, error) {
		return script[*point](ctx, w, expression)
	}, func(now *point) bool {
		still := now != nil && last != nil && *now == *last
		last = now
		return still
	})
	require.NoError(t, w.do(t.Context(), chromedp.MouseClickXY(at.X, at.Y)))
}

// gone waits until nothing of a selector is in sight any more.
func (w *window) gone(t *testing.T, selector string) {
	t.Helper()
	const seen = `[...document.querySelectorAll(%s)].some(element => element.checkVisibility({opacityProperty: true, visibilityProperty: true}))`
	read(t, w, selector+" out of sight", fmt.Sprintf(seen, quoted(t, selector)), func(inSight bool) bool { return !inSight })
}

// write types text into whatever was clicked last.
func (w *window) write(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, w.do(t.Context(), chromedp.KeyEvent(text)))
}

// read waits until an expression has a value that is wanted.
func read[T any](t *testing.T, w *window, what, expression string, wanted func(T) bool) T {
	t.Helper()
	return world.Await(t, what, func(ctx context.Context) (T, error) { return script[T](ctx, w, expression) }, wanted)
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	data, err := json.Marshal(text)
	require.NoError(t, err)
	return string(data)
}
