package emulator

// failureOf says why a run failed, so that the causes can be told apart. No error list of a streaming destination is
// published; the codes follow the form of the batch examples [inferred].
func (e *Emulator) failureOf(r flowRun) (code, message string) {
	account, advertiser := r.flow.account, r.flow.target.advertiser()
	var g grant
	if account != nil {
		g, _ = account.grants.at(r.decided)
	}
	switch {
	case e.closedTo(r.flow.spec, r.decided):
		return "ACTIVATION_STREAM-0410-FAILED", "the destination's API answered 410"
	case r.plan.how == RunsFail:
		return "ACTIVATION_STREAM-0000-FAILED", "the destination did not accept the data"
	case !g.authenticated:
		return "ACTIVATION_STREAM-0401-FAILED", "the destination did not accept the account's authorization: nobody has signed in"
	case !g.valid(r.decided):
		return "ACTIVATION_STREAM-0401-FAILED", "the destination did not accept the account's authorization: it has expired"
	case g.missingScope:
		return "ACTIVATION_STREAM-0403-FAILED", "the account's authorization lacks a permission that the destination needs"
	default:
		return "ACTIVATION_STREAM-0404-FAILED", "the account's authorization does not reach ad account " + advertiser
	}
}

// lostRecords is why a run that succeeded has failed records.
func lostRecords() (code, message string) {
	return "ACTIVATION_STREAM-0422-FAILED", "the destination rejected some of the identities"
}
