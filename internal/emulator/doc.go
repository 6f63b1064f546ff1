// Package emulator stands in for Adobe IMS, the destinations side of Adobe Flow Service, and Pinterest v5 as one HTTP
// server. It keeps the vendors' paths, headers and answers, and adds what a rehearsal needs and the vendors do not have:
// a clock that can be moved, a ledger of every request and every change of state, faults on demand, and the actions of
// the person who signs in at Pinterest.
//
// An Emulator is an http.Handler. Everything the control paths under /_emulator/ do is also a Go method.
package emulator
