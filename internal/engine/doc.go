// Package engine makes Temporal clients and workers: options with their reasons, connecting, logging, health. It knows no business word.
package engine
