package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

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
