package engine

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"go.temporal.io/sdk/temporal"
)

// Version describes this build: the source it was made from, Go and the Temporal SDK.
func Version() string {
	source := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		source = info.Main.Version
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" && (source == "" || source == "(devel)") {
				source = setting.Value
			}
		}
	}
	if source == "" || source == "(devel)" {
		source = "development build"
	}
	return fmt.Sprintf("%s (%s, Temporal SDK %s)", source, runtime.Version(), temporal.SDKVersion)
}
