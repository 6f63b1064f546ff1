package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"cutover/internal/service"
)

// outputFlag adds -o to a command that prints a list.
func outputFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("output", "o", "table", "table or json")
}

// printList writes a list as JSON for programs, or as a table for people; the first row is its head.
func printList(w io.Writer, format string, list any, rows [][]string) error {
	switch format {
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(list); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		return nil
	case "table":
		columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, row := range rows {
			fmt.Fprintln(columns, strings.Join(row, "\t"))
		}
		_ = columns.Flush() // whoever reads is gone: nobody to tell
		return nil
	}
	return service.Misused(fmt.Errorf("--output is %q; it must be table or json", format))
}
