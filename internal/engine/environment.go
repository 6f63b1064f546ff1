package engine

import (
	"slices"
	"strings"
)

// Environment is a process environment in the form of os.Environ. It is what configuration is read from, so that a test gives its own.
type Environment []string

// Environ returns all variables as NAME=value.
func (e Environment) Environ() []string { return slices.Clone(e) }

// LookupEnv returns the value of a variable and whether it is set; of several, the last counts.
func (e Environment) LookupEnv(name string) (string, bool) {
	for _, variable := range slices.Backward(e) {
		if key, value, ok := strings.Cut(variable, "="); ok && key == name {
			return value, true
		}
	}
	return "", false
}

// Getenv returns the value of a variable, empty if it is not set.
func (e Environment) Getenv(name string) string {
	value, _ := e.LookupEnv(name)
	return value
}
