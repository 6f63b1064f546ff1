package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"time"
)

// bar is a figure with a limit.
type bar struct {
	Name     string    `json:"name"`
	Measured float64   `json:"measured"` // the median of Runs where there are several
	Limit    float64   `json:"limit"`
	AtLeast  bool      `json:"at_least,omitempty"` // the limit is a lower one
	Unit     string    `json:"unit,omitempty"`
	Runs     []float64 `json:"runs,omitempty"`
}

func (b bar) held() bool {
	if b.AtLeast {
		return b.Measured >= b.Limit
	}
	return b.Measured <= b.Limit
}

// line is the bar for programs.
func (b bar) line() string {
	verdict := "ok"
	if !b.held() {
		verdict = "short"
	}
	return fmt.Sprintf("bar %s %s %s %s", b.Name, number(b.Measured), number(b.Limit), verdict)
}

// figure is what has no limit and stands beside the bars.
type figure struct {
	Name  string    `json:"name"`
	Value float64   `json:"value"` // the median of Runs where there are several
	Unit  string    `json:"unit,omitempty"`
	Runs  []float64 `json:"runs,omitempty"`
}

// results are everything that was measured.
type results struct {
	Machine facts    `json:"machine"`
	Bars    []bar    `json:"bars"`
	Figures []figure `json:"figures"`
}

func (r results) held() bool {
	return !slices.ContainsFunc(r.Bars, func(b bar) bool { return !b.held() })
}

// print writes a table for people and then, last, a line for each bar.
func (r results) print(w io.Writer) {
	fmt.Fprintf(w, "\n| figure | median | spread | unit |\n| --- | --- | --- | --- |\n")
	for _, f := range r.Figures {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", f.Name, number(f.Value), spread(f.Runs), f.Unit)
	}
	fmt.Fprintf(w, "\n| bar | median | spread | limit | unit |\n| --- | --- | --- | --- | --- |\n")
	for _, b := range r.Bars {
		sign := "≤ "
		if b.AtLeast {
			sign = "≥ "
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s%s | %s |\n", b.Name, number(b.Measured), spread(b.Runs), sign, number(b.Limit), b.Unit)
	}
	fmt.Fprintln(w)
	for _, b := range r.Bars {
		fmt.Fprintln(w, b.line())
	}
}

func (r results) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// number is a figure in three digits, or all of them before the point.
func number(v float64) string {
	switch magnitude := math.Abs(v); {
	case magnitude >= 100 || v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case magnitude >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case magnitude >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
}

func spread(runs []float64) string {
	if len(runs) < 2 {
		return ""
	}
	return number(slices.Min(runs)) + " to " + number(slices.Max(runs))
}

// median of an odd or even number of values; NaN of none.
func median(values []float64) float64 { return percentile(values, 50) }

// percentile is the smallest value that p percent of all do not exceed; of an even number's middle it is the mean. NaN of none.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); p == 50 && n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}

// milliseconds of durations, to be summed up.
func milliseconds(durations []time.Duration) []float64 {
	values := make([]float64, len(durations))
	for i, d := range durations {
		values[i] = float64(d) / float64(time.Millisecond)
	}
	return values
}
