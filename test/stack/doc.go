// Package stack starts real processes for the programs and tests under test: a Temporal server, the emulated vendors, workers, and the starter
// as a command. Everything listens on free loopback ports, is waited for by asking it, and ends with its owner.
package stack
