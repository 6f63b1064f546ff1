package e2e

import (
	"os"
	"testing"

	"cutover/test/e2e/world"
)

func TestMain(m *testing.M) { os.Exit(world.Main(m)) }
