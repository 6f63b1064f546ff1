// Package e2e proves, with real processes on a real Temporal server, what no test environment can: what survives a continue-as-new, a worker that
// comes late, stops or keeps nothing in memory, a cancellation in mid-switch, and the kill switch.
package e2e
