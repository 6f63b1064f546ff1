package words

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"cutover/internal/migration"
)

//go:embed messages/*.yaml phrases/*.yaml
var files embed.FS

// message is a text with {placeholders}. One stands in for Other where the argument count is 1; it is empty where a language makes no difference.
type message struct {
	One   string `yaml:"one"`
	Other string `yaml:"other"`
}

// UnmarshalYAML reads a plain text, or the two forms by their names.
func (m *message) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		m.Other = node.Value
		return nil
	}
	type forms message
	return node.Decode((*forms)(m))
}

var messages = func() map[Language]map[string]message {
	all := map[Language]map[string]message{}
	for _, l := range Languages() {
		all[l] = read[message]("messages", l)
	}
	return all
}()

// read reads a file of a language. It is part of the program, so that one that cannot be read is a mistake in it.
func read[T any](folder string, l Language) map[string]T {
	name := folder + "/" + string(l) + ".yaml"
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	in := map[string]T{}
	if err := yaml.Unmarshal(data, &in); err != nil {
		panic(fmt.Errorf("read %s: %w", name, err))
	}
	return in
}

// Printer says things in one language.
type Printer struct{ language Language }

// In is the printer for a language; English for one that is not known.
func In(l Language) Printer {
	if _, known := messages[l]; !known {
		l = English
	}
	return Printer{language: l}
}

// Language is the one that the printer speaks.
func (p Printer) Language() Language { return p.language }

// Say is the message of that key with its placeholders filled in. Arguments come in pairs of a name and a value: Say("notice.more", "count", 3) fills in
// {count}. What is filled in stays as it is, also where it holds braces. The argument count chooses between singular and plural. A key that no
// file has comes back as it is.
func (p Printer) Say(key string, args ...any) string {
	m, ok := messages[p.language][key]
	if !ok {
		return key
	}
	text := m.Other
	var pairs []string
	for i := 0; i+1 < len(args); i += 2 {
		name, value := fmt.Sprint(args[i]), fmt.Sprint(args[i+1])
		if name == "count" && value == "1" && m.One != "" {
			text = m.One
		}
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Day writes a deadline as people say it: an instant that ends a day in zone is that day, any other the instant that it is.
func (p Printer) Day(end time.Time, zone string) string {
	place, err := time.LoadLocation(zone)
	if err != nil || end.IsZero() {
		return p.Instant(end)
	}
	last := end.Add(-time.Nanosecond).In(place)
	if last.Day() == end.In(place).Day() {
		return p.Instant(end)
	}
	return p.Say("day", "day", last.Format(time.DateOnly), "zone", zone)
}

// Instant writes a moment in UTC.
func (p Printer) Instant(at time.Time) string {
	if p.language == Chinese {
		return at.UTC().Format(time.DateTime) + "（UTC）"
	}
	return migration.Instant(at)
}

// quote marks the name of something of the vendor's.
func (p Printer) quote(name string) string {
	if p.language == Chinese {
		return "「" + name + "」"
	}
	return strconv.Quote(name)
}
