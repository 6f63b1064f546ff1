package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/migration"
	"cutover/internal/pinterest"
	"cutover/internal/service"
	"cutover/internal/store"
)

func grantsCommand(env engine.Environment) *cobra.Command {
	group := &cobra.Command{
		Use:   "grants",
		Short: "List, add, retry and remove the grants that people gave to the operator's app at Pinterest",
		Args:  service.NoArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	list := &cobra.Command{Use: "list", Short: "List the grants that are held; no token is shown", Args: service.NoArguments}
	output := outputFlag(list)
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd.Context(), env, func(d *store.Database) error { return listGrants(cmd, d, *output) })
	}
	var owner pinterest.Owner
	add := &cobra.Command{
		Use:   "add --org ID --account ID < answer.json",
		Short: "Hold the grant in the answer of Pinterest's token endpoint, read from standard input",
		Long: `Hold the grant in the answer of Pinterest's token endpoint, read from standard input: a JSON object with access_token, refresh_token, expires_in
(seconds), refresh_token_expires_in (seconds) and scope. It replaces the grant that is held for the account. No token is printed.`,
		Args: service.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			grant, err := readGrant(cmd.InOrStdin(), time.Now())
			if err = errors.Join(checkOwner(owner), err); err != nil {
				return service.Misused(err)
			}
			return withStore(cmd.Context(), env, func(d *store.Database) error {
				if err := d.SaveGrant(cmd.Context(), owner, grant); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "held: the grant for account %s of %s\n", owner.Account, owner.Organization)
				return nil
			})
		},
	}
	add.Flags().StringVar(&owner.Organization, "org", "", "IMS organization id")
	add.Flags().StringVar(&owner.Account, "account", "", "id of Adobe's account (base connection) of the new card")
	var organization string
	var yes bool
	remove := &cobra.Command{
		Use:   "remove --org ID --yes",
		Short: "Forget every grant of an organization; its people must consent again",
		Args:  service.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOrganization(organization); err != nil {
				return service.Misused(err)
			}
			if !yes {
				return service.Misused(errors.New("people of the organization would have to consent again: give --yes if that is meant"))
			}
			return withStore(cmd.Context(), env, func(d *store.Database) error {
				n, err := d.RemoveGrants(cmd.Context(), organization)
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "removed %d grant(s) of %s\n", n, organization)
				}
				return err
			})
		},
	}
	retry := &cobra.Command{
		Use:   "retry --org ID",
		Short: "Try an organization's refused grants once more, such as after another app's id was configured",
		Args:  service.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOrganization(organization); err != nil {
				return service.Misused(err)
			}
			return withStore(cmd.Context(), env, func(d *store.Database) error {
				n, err := d.RetryGrants(cmd.Context(), organization)
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%d refused grant(s) of %s will be tried again\n", n, organization)
				}
				return err
			})
		},
	}
	retry.Flags().StringVar(&organization, "org", "", "IMS organization id")
	remove.Flags().StringVar(&organization, "org", "", "IMS organization id")
	remove.Flags().BoolVar(&yes, "yes", false, "really")
	group.AddCommand(list, add, retry, remove)
	return group
}

// withStore has f use the store that the environment names.
func withStore(ctx context.Context, env engine.Environment, f func(*store.Database) error) error {
	cfg, err := config.WorkerFromEnv(env.Getenv)
	if err != nil {
		return service.Misused(err)
	}
	database, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(f(database), database.Close())
}

func checkOrganization(id string) error {
	if !migration.ValidOrganizationID(id) {
		return fmt.Errorf("--org is %q; it must be an IMS organization id such as 1A2B3C4D5E6F@AdobeOrg", id)
	}
	return nil
}

func checkOwner(o pinterest.Owner) error {
	faults := []error{checkOrganization(o.Organization)}
	if strings.TrimSpace(o.Account) == "" {
		faults = append(faults, errors.New("--account is missing: the id of Adobe's account, as starter status shows it"))
	}
	return errors.Join(faults...)
}

// heldGrant is a grant as people see it.
type heldGrant struct {
	Organization     string    `json:"organization"`
	Account          string    `json:"account"`
	State            string    `json:"state"` // held or refused
	ConsentedAt      time.Time `json:"consented_at"`
	RenewedAt        time.Time `json:"renewed_at"`
	ExpiresAt        time.Time `json:"expires_at,omitzero"`
	RefreshExpiresAt time.Time `json:"refresh_expires_at,omitzero"`
	Why              string    `json:"why,omitempty"` // it was refused
}

func listGrants(cmd *cobra.Command, d *store.Database, output string) error {
	held, err := d.GrantsWithoutTokens(cmd.Context())
	if err != nil {
		return err
	}
	list := []heldGrant{}
	rows := [][]string{{"ORGANIZATION", "ACCOUNT", "STATE", "CONSENTED", "RENEWED", "TOKEN ENDS", "RENEWABLE UNTIL"}}
	for _, h := range held {
		g := heldGrant{
			Organization: h.Organization, Account: h.Account, State: "held", ConsentedAt: h.ConsentedAt.UTC(), RenewedAt: h.IssuedAt.UTC(),
			ExpiresAt: h.Grant.ExpiresAt.UTC(), RefreshExpiresAt: h.Grant.RefreshExpiresAt.UTC(), Why: h.Why,
		}
		if !h.RefusedAt.IsZero() {
			g.State = "refused"
		}
		list = append(list, g)
		rows = append(rows, []string{
			g.Organization, g.Account, g.State, instant(g.ConsentedAt), instant(g.RenewedAt), instant(g.ExpiresAt), instant(g.RefreshExpiresAt),
		})
	}
	return printList(cmd.OutOrStdout(), output, list, rows)
}

func instant(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return migration.Instant(t)
}

// maxAnswer is far more than any token answer has.
const maxAnswer = 64 << 10

// readGrant reads an answer of Pinterest's token endpoint (contract: Pinterest v5, "OAuth"). Its errors repeat nothing of it.
func readGrant(in io.Reader, now time.Time) (pinterest.Grant, error) {
	var answer struct {
		Access    string  `json:"access_token"`
		Refresh   string  `json:"refresh_token"`
		Lasts     float64 `json:"expires_in"`               // seconds
		Renewable float64 `json:"refresh_token_expires_in"` // seconds
		Scope     string  `json:"scope"`
	}
	data, err := io.ReadAll(io.LimitReader(in, maxAnswer))
	if err != nil {
		return pinterest.Grant{}, errors.New("standard input cannot be read")
	}
	if json.Unmarshal(data, &answer) != nil {
		return pinterest.Grant{}, errors.New("standard input is no JSON object like the answer of Pinterest's token endpoint")
	}
	if answer.Access == "" || answer.Refresh == "" || answer.Lasts <= 0 {
		return pinterest.Grant{}, errors.New("the answer on standard input lacks access_token, refresh_token or expires_in")
	}
	grant := pinterest.Grant{
		AccessToken: answer.Access, RefreshToken: answer.Refresh, ExpiresAt: now.Add(time.Duration(answer.Lasts) * time.Second),
		Scopes: strings.FieldsFunc(answer.Scope, func(r rune) bool { return r == ',' || r == ' ' }),
	}
	if answer.Renewable > 0 {
		grant.RefreshExpiresAt = now.Add(time.Duration(answer.Renewable) * time.Second)
	}
	return grant, nil
}
