// Package webui proves what an operator sees and does in Temporal's Web UI: its test drives the real one, in a real browser.
package webui
