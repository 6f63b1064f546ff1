package workflows

// Change versions. A change to the commands a running workflow issues (an activity, timer or attribute more, fewer or elsewhere; a decision in
// internal/migration that leads to one) is put behind a predicate in this file, which calls workflow.GetVersion with an id that is never
// reused or removed, and is named for the behaviour it switches on. The recorded histories in testdata/replay show whether one was forgotten.
//
// There are none yet.
