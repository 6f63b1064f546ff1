// Package world sets up what an end-to-end test stands in: a few organizations at the emulated vendors, a Temporal server, a worker and the
// operator's commands, all of them real processes. Everything ends with the test.
package world
