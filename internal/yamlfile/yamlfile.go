// Package yamlfile reads YAML files that people write and reports every fault in them at once, each with its file and line.
package yamlfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Fault is one thing wrong in a file. Line is 1-based; 0 means the file as a whole.
type Fault struct {
	File string
	Line int
	Path string // such as organizations[2].id; empty for the whole file
	Text string
}

func (f Fault) String() string {
	where := f.File
	if f.Line > 0 {
		where += ":" + strconv.Itoa(f.Line)
	}
	if f.Path != "" {
		where += ": " + f.Path
	}
	return where + ": " + f.Text
}

// Faults is every fault of a file, in the order of its lines. It is an error whose text has one line per fault.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Document is a parsed file: it knows the line of every value and collects faults.
type Document struct {
	file   string
	lines  map[string]int
	faults Faults
	broken bool // nothing could be read, so nothing is said of what it should hold
}

// Parse decodes data into the value that into points to. Unknown keys, duplicate keys and wrong types are faults, not reasons to stop:
// the caller goes on to validate what could be read and asks for all faults with Err.
func Parse(file string, data []byte, into any) *Document {
	d := &Document{file: file, lines: map[string]int{}}
	var root yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		d.add(0, "", "the file is empty")
		d.broken = true
		return d
	case err != nil:
		d.addAll(err)
		for i := range d.faults {
			d.faults[i].Text = "not valid YAML: " + d.faults[i].Text
		}
		d.broken = true
		return d
	}
	d.index(&root, "")
	if d.broken {
		return d
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		d.add(0, "", "the file holds more than one YAML document; keep one")
	}
	strict := yaml.NewDecoder(bytes.NewReader(data))
	strict.KnownFields(true)
	if err := strict.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		d.addAll(err)
	}
	return d
}

// Fault records that the value at path is wrong. A path that is not in the file takes the line of its nearest parent that is. Of a file that
// could not be read at all nothing further is said.
func (d *Document) Fault(path, format string, args ...any) {
	line := d.Line(path)
	unread := func(f Fault) bool { return f.Path == "" && f.Line == line } // the parser said already what is wrong there
	if d.broken || slices.ContainsFunc(d.faults, unread) {
		return
	}
	d.add(line, path, fmt.Sprintf(format, args...))
}

// Line is the line of the value at path, or of its nearest parent in the file.
func (d *Document) Line(path string) int {
	for {
		if line, ok := d.lines[path]; ok {
			return line
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return d.lines[""]
		}
		path = path[:cut]
	}
}

// Has tells whether the file gives a value at path.
func (d *Document) Has(path string) bool {
	_, ok := d.lines[path]
	return ok
}

// Err is nil when no fault was found, else a Faults.
func (d *Document) Err() error {
	if len(d.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(d.faults, func(a, b Fault) int { return cmp.Or(a.Line-b.Line, strings.Compare(a.Path, b.Path)) })
	return d.faults
}

func (d *Document) add(line int, path, text string) {
	d.faults = append(d.faults, Fault{File: d.file, Line: line, Path: oneLine(path), Text: oneLine(text)})
}

// oneLine keeps a fault on its line: a key may hold line breaks, and a terminal obeys other control characters.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, text)
}

// The YAML library prefixes its messages with the line; it goes where our own faults have it.
var atLine = regexp.MustCompile(`(?s)^(?:yaml: )?line (\d+): (.*)$`)

// The library names Go types, which mean nothing to the person who wrote the file.
var (
	inType   = regexp.MustCompile(`(?s)(field \S+) not found in type .*`)
	intoType = regexp.MustCompile(`(?s)cannot unmarshal \S+ .*into (.*)`)
	quoted   = regexp.MustCompile("(?s)`.*`")
)

// plain says in words what the library expected. It leaves out the value, which may be a secret.
func plain(text string) string {
	if m := inType.FindStringSubmatch(text); m != nil {
		return m[1] + " is unknown here"
	}
	m := intoType.FindStringSubmatch(text)
	if m == nil {
		return quoted.ReplaceAllString(text, "this value")
	}
	switch {
	case strings.HasPrefix(m[1], "int"), strings.HasPrefix(m[1], "uint"):
		return "a whole number belongs here"
	case m[1] == "bool":
		return "true or false belongs here"
	case m[1] == "string":
		return "text belongs here"
	case strings.HasPrefix(m[1], "[]"):
		return "a list belongs here"
	}
	return "a group of keys belongs here"
}

func (d *Document) addAll(err error) {
	texts := []string{err.Error()}
	if typed, ok := errors.AsType[*yaml.TypeError](err); ok {
		texts = typed.Errors
	}
	for _, text := range texts {
		line := 0
		if m := atLine.FindStringSubmatch(text); m != nil {
			line, _ = strconv.Atoi(m[1])
			text = m[2]
		}
		d.add(line, "", plain(strings.TrimPrefix(text, "yaml: ")))
	}
}

func (d *Document) index(node *yaml.Node, path string) {
	switch node.Kind {
	case yaml.DocumentNode:
		for _, child := range node.Content {
			d.index(child, path)
		}
		return
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i].Value
			if path != "" {
				key = path + "." + key
			}
			if first, twice := d.lines[key]; twice {
				d.add(node.Content[i].Line, key, fmt.Sprintf("is given twice, first on line %d", first))
				d.broken = true
				continue
			}
			d.index(node.Content[i+1], key)
			d.lines[key] = node.Content[i].Line // the key's line, where a person looks
		}
	case yaml.SequenceNode:
		for i, child := range node.Content {
			d.index(child, path+"["+strconv.Itoa(i)+"]")
		}
	case yaml.AliasNode, yaml.ScalarNode:
	}
	d.lines[path] = node.Line
}
