// Package migration decides: who is affected and why, which dataflow is whose copy, what differs, what happens next, by when and on whom it
// waits. It is the domain of Cutover as pure functions over values: no I/O, no clock, no Temporal.
//
// Words are Adobe's where Adobe has one (organization, sandbox, card, account, dataflow, audience, flow run). Ours are few: a playbook is a
// migration as data, a pair is an old dataflow and its copy, a plan is the pairs with their steps and a hash, the stage is where the timeline
// stands, the phase is where the organization stands, parity is how old and copy compare, and a lease is how long a re-authentication lasts.
package migration
