package emulator

import (
	"bytes"
	_ "embed" // the small scenario
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed scenarios/small.yaml
var smallScenario []byte

// SmallScenario is one organization with one account and three dataflows.
func SmallScenario() (Scenario, error) { return ParseScenario(smallScenario) }

// ParseScenario reads YAML. Keys it does not know are refused with their line.
func ParseScenario(text []byte) (Scenario, error) {
	var scenario Scenario
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&scenario); err != nil && !errors.Is(err, io.EOF) {
		return Scenario{}, readable(err)
	}
	if err := scenario.validate(); err != nil {
		return Scenario{}, err
	}
	return scenario, nil
}

// inType is the library's word for where a key is unknown, which means nothing to the person who wrote the file.
var inType = regexp.MustCompile(`(field \S+) not found in type \S+`)

// readable puts the library's faults in the words of the file, one line each.
func readable(err error) error {
	faults := []string{"not valid YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if typed, ok := errors.AsType[*yaml.TypeError](err); ok {
		faults = nil
		for _, fault := range typed.Errors {
			faults = append(faults, inType.ReplaceAllString(fault, "$1 is unknown here"))
		}
	}
	return errors.New(strings.Join(faults, "\n"))
}

// UnmarshalYAML reads a name or a mapping.
func (a *Audience) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return node.Decode(&a.Name)
	}
	type plain Audience
	return decodeStrictly(node, (*plain)(a))
}

// UnmarshalYAML reads true, false or a mapping.
func (c *Copy) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		var made bool
		if node.Decode(&made) != nil {
			return fmt.Errorf("line %d: copy must be true, false or a mapping", node.Line)
		}
		c.None = !made
		return nil
	}
	type plain Copy
	return decodeStrictly(node, (*plain)(c))
}

// decodeStrictly refuses unknown keys, which Node.Decode alone would pass over.
func decodeStrictly[T any](node *yaml.Node, into *T) error {
	known := map[string]bool{}
	for field := range reflect.TypeFor[T]().Fields() {
		known[strings.Split(field.Tag.Get("yaml"), ",")[0]] = true
	}
	if node.Kind == yaml.MappingNode {
		for i := 0; i < len(node.Content); i += 2 {
			if key := node.Content[i]; !known[key.Value] {
				return fmt.Errorf("line %d: field %s not found", key.Line, key.Value)
			}
		}
	}
	if err := node.Decode(into); err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	return nil
}
