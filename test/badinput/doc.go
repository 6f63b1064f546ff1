// Package badinput gives the real binaries everything people and vendors get wrong, and checks that each mistake gets one clear error that says
// what to do, and that nothing is lost by it. It holds tests only.
package badinput
