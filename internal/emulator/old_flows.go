package emulator

// oldGone tells that nothing of the card is in any answer any more.
func (e *Emulator) oldGone(s *spec) bool {
	return e.settings.OldDataflows == OldGone && e.closedTo(s, e.now)
}

// oldRefused tells that the card's flows can still be read and no longer be changed.
func (e *Emulator) oldRefused(s *spec) bool {
	return e.settings.OldDataflows == OldRefused && e.closedTo(s, e.now)
}

// refuseOld is the answer to a write on a flow of a closed card. Neither status nor code is documented [inferred].
func (c *call) refuseOld(f *flow) answer {
	return c.refuse("1101-410", "Gone", "the destination of flow %s is not available any more", f.id)
}
