package migration

import (
	"slices"
	"time"
)

// Renewable are the accounts that the worker renews by itself: it holds a grant for them that was not tried since they were asked for, and the playbook
// allows it. A sign-in of a person that still holds is never overwritten: what replaces it may turn out worse.
func (s *State) Renewable(p Playbook) []AccountState {
	if !p.Reauthentication.ByGrant {
		return nil
	}
	return slices.DeleteFunc(s.Asked(), func(a AccountState) bool {
		return !a.GrantedAt.After(a.TriedAt) || a.Verified && !a.ByGrant
	})
}

// Renewed takes in what an account looks like after the worker renewed it by the grant it holds, and tells whether it is verified by that.
func (s *State) Renewed(now Account, v Verdict, at time.Time) bool {
	s.GrantTried(now.ID, v.Reason)
	if !s.Learn(now, v, at) {
		return false
	}
	s.Account(now.ID).ByGrant = true
	return true
}

// Wrote takes in what an account looks like after the worker itself wrote it, to no avail: its own write must not pass for somebody's sign-in.
func (s *State) Wrote(now Account) {
	if account := s.Account(now.ID); account != nil && !account.Verified {
		account.Etag, account.Name = now.Etag, now.Name
	}
}

// MayHaveWritten notes that a renewal failed without saying whether it wrote the account: how it looked before tells nothing any more.
func (s *State) MayHaveWritten(id string) {
	if account := s.Account(id); account != nil && !account.Verified {
		account.Etag = ""
	}
}

// NotRenewed is what people are told of a renewal that failed for reasons that are the operator's.
const NotRenewed = "it could not be renewed by the grant that is held"

// GrantTried notes that the grant held for an account was tried and why that was not enough. The next one to try is a person's next consent.
func (s *State) GrantTried(id, why string) {
	if account := s.Account(id); account != nil {
		account.TriedAt, account.Note = account.GrantedAt, why
	}
}
