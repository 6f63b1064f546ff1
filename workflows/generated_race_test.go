//go:build race

package workflows_test

func init() { generatedShare = 5 } //nolint:gochecknoinits // what the race detector would see, it sees in a part of the histories, and takes six times as long
