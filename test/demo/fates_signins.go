package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"cutover/internal/emulator"
	"cutover/internal/migration"
)

// fatesOfSignIns are those of organizations whose sign-ins do not last or do not reach far enough.
func fatesOfSignIns() []fate {
	return []fate{
		{
			// No flow run ends before the sign-in does, so that the work is still open then.
			name: "lapsed_lease", company: "Sage", sandboxes: copied(emulator.Copy{Runs: emulator.RunsNone}, prod("Herbs", "Spices")),
			people: signInTwice, outcome: migration.Migrated,
			check: askedAgain,
		},
		{
			name: "wrong_advertiser", company: "Tulip", sandboxes: prod("Bulbs", "Greenhouses"),
			people: signInElsewhereFirst, outcome: migration.Migrated,
			check: toldWhatToDo,
		},
	}
}

// askedAgain checks that the person was asked a second time: before the sign-in ended, or because it had ended while a killed worker's attempt was
// waited for.
func askedAgain(o *organization, f found) error {
	asked := 0
	for _, notice := range f.notices {
		if notice.Organization == o.ID && (notice.Kind == string(migration.NoticeStart) || notice.Kind == string(migration.NoticeRenew)) {
			asked++
		}
	}
	if asked < 2 {
		return errors.New("nobody was asked to sign in again")
	}
	return nil
}

// shortLease ends in the middle of the work.
const shortLease = 10 * time.Second

// signInTwice: the sign-in ends while the first copy's flow run is still awaited and the other pair is not switched.
func signInTwice(ctx context.Context, o *organization) error {
	account, err := o.account(ctx, "Pinterest")
	if err != nil {
		return err
	}
	if err := o.reconnect(ctx, account, emulator.Reconnection{Lease: shortLease}); err != nil {
		return err
	}
	if err := o.claim(ctx, account.ID); err != nil {
		return err
	}
	if _, err := o.await(ctx, "the sign-in to end", func(s migration.Status) bool {
		return len(s.Pairs) > 0 && len(s.Accounts) > 0 && !s.Accounts[0].Verified && strings.Contains(s.Accounts[0].Note, "ended")
	}); err != nil {
		return err
	}
	if err := o.signInAndSay(ctx); err != nil {
		return err
	}
	usual := emulator.RunsByRule
	for _, name := range []string{"Herbs", "Spices"} {
		if err := o.edit(ctx, newCard, name, emulator.Edit{Runs: &usual}); err != nil {
			return err
		}
	}
	return nil
}

// signInElsewhereFirst: whoever signed in has no access to the ad account. Only the flow runs show it.
func signInElsewhereFirst(ctx context.Context, o *organization) error {
	account, err := o.account(ctx, "Pinterest")
	if err != nil {
		return err
	}
	if err := o.reconnect(ctx, account, emulator.Reconnection{Advertiser: "549700000000"}); err != nil {
		return err
	}
	if err := o.claim(ctx, account.ID); err != nil {
		return err
	}
	if _, err := o.await(ctx, "the account to be asked for again", func(s migration.Status) bool {
		return len(s.Pairs) > 0 && !s.Accounts[0].Verified && s.Accounts[0].Note == wrongAdAccount()
	}); err != nil {
		return err
	}
	return o.signInAndSay(ctx)
}

// wrongAdAccount is what the product tells a person whose sign-in does not reach the ad account.
func wrongAdAccount() string {
	instruction, _ := migration.Blame("ad account")
	return instruction
}

func toldWhatToDo(o *organization, f found) error {
	for _, notice := range f.notices {
		if notice.Organization == o.ID && strings.Contains(notice.Text, wrongAdAccount()) {
			return nil
		}
	}
	return errors.New("no notice says what to do differently")
}
