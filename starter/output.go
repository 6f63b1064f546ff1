package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"cutover/internal/migration"
)

// print writes a result: as JSON for programs, or with table for people.
func (a *app) print(result any, table func(io.Writer)) error {
	if a.output == formatJSON {
		return writeJSON(a.stdout, result)
	}
	table(a.stdout)
	return nil
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // names such as "A > B" stay readable
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

func writeCSV(w io.Writer, rows [][]string) error {
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// writeTable writes rows in columns; the first is the head.
func writeTable(w io.Writer, rows [][]string) {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = oneLine(cell)
			if row[i] == "" {
				row[i] = "-"
			}
		}
		fmt.Fprintln(columns, strings.Join(row, "\t"))
	}
	_ = columns.Flush() // whoever reads is gone: nobody to tell
}

// screen is a terminal that a person reads. Text is wrapped to it, except commands and ids, which are there to be copied; a pipe gets whole lines.
type screen struct {
	io.Writer
	width int
}

// onScreen is the writer with the width that it has if it is a terminal.
func onScreen(w io.Writer) io.Writer {
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width >= minWidth {
			return screen{w, width}
		}
	}
	return w
}

// A terminal narrower than this wraps by itself as well.
const minWidth = 60

// title writes the first line of a block, indented and wrapped.
func title(w io.Writer, format string, args ...any) {
	wrap(w, "  "+oneLine(fmt.Sprintf(format, args...)), 4)
}

// block writes what is known, a label and its text a line each, under indent.
func block(w io.Writer, indent string, lines [][2]string) {
	width := 0
	for _, line := range lines {
		width = max(width, len(line[0])) // also of what is not known here, so that blocks of a kind look alike
	}
	for _, line := range lines {
		if line[1] == "" {
			continue
		}
		text := fmt.Sprintf("%s%-*s  %s", indent, width, line[0], oneLine(line[1]))
		if line[0] == "type" {
			fmt.Fprintln(w, text)
		} else {
			wrap(w, text, len(indent)+width+2)
		}
	}
}

// wrap writes text, broken between words on a screen; further lines are indented.
func wrap(w io.Writer, text string, indent int) {
	if s, ok := w.(screen); ok {
		for utf8.RuneCountInString(text) > s.width {
			at := breakAt(text, indent, s.width)
			if at < 0 {
				break
			}
			fmt.Fprintln(w, text[:at])
			text = strings.Repeat(" ", indent) + strings.TrimLeft(text[at:], " ")
		}
	}
	fmt.Fprintln(w, text)
}

// breakAt is the last space within width that is not part of the indent, or the first one after a word too long for it; -1: none.
func breakAt(text string, indent, width int) int {
	last, column := -1, 0
	for i, r := range text {
		if r == ' ' && column > indent {
			if column > width && last >= 0 {
				break
			}
			last = i
			if column > width {
				break
			}
		}
		column++
	}
	return last
}

// waits writes whom something is waited for from, and what they type.
func waits(w io.Writer, list []migration.Wait, t target) {
	for _, wait := range list {
		title(w, "%s: %s", wait.On, wait.What)
		who, command := wait.Who, wait.Command
		if who == wait.On {
			who = "" // said already
		}
		if command != "" {
			command += t.again
		}
		block(w, "    ", [][2]string{{"who", who}, {"since", instant(wait.Since) + ", by " + instant(wait.By)}, {"type", command}})
	}
}

// oneLine keeps what people wrote from breaking a table or driving the terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// instant is empty for no instant.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return migration.Instant(t)
}
