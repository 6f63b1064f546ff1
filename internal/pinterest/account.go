package pinterest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// User is the person or business an access token speaks for.
type User struct {
	ID           string
	Username     string
	AccountType  string
	BusinessName string
}

// UserAccount returns whom the access token speaks for.
func (c *Client) UserAccount(ctx context.Context, accessToken string) (User, error) {
	r := call{op: "read user account", method: http.MethodGet, path: "/user_account", secrets: []string{accessToken}}
	got, err := c.get(ctx, r, accessToken)
	if err != nil {
		return User{}, err
	}
	var body struct {
		ID           text `json:"id"`
		Username     text `json:"username"`
		AccountType  text `json:"account_type"`
		BusinessName text `json:"business_name"`
	}
	if err := json.Unmarshal(got.body, &body); err != nil || body.Username == "" {
		return User{}, r.malformed(got, "a JSON object with a username", got.body)
	}
	return User{
		ID: string(body.ID), Username: string(body.Username),
		AccountType: string(body.AccountType), BusinessName: string(body.BusinessName),
	}, nil
}

// AdAccount is what advertises at Pinterest; Adobe calls its id advertiser_id.
type AdAccount struct {
	ID            string
	Name          string
	Country       string
	Currency      string
	OwnerUsername string
	// Permissions are the person's roles, such as OWNER, ADMIN or ANALYST.
	Permissions []string
	// CreatedAt and UpdatedAt are zero if Pinterest does not tell.
	CreatedAt time.Time
	UpdatedAt time.Time
}

func (a AdAccount) id() string { return a.ID }

// ManagesAudiences tells whether the person's roles include the one Adobe asks for.
func (a AdAccount) ManagesAudiences() bool {
	return slices.ContainsFunc(a.Permissions, func(role string) bool {
		return role == "OWNER" || role == "ADMIN" || role == "AUDIENCE_MANAGER"
	})
}

type wireAdAccount struct {
	ID       text `json:"id"`
	Name     text `json:"name"`
	Country  text `json:"country"`
	Currency text `json:"currency"`
	Owner    struct {
		Username text `json:"username"`
	} `json:"owner"`
	Permissions []text `json:"permissions"`
	CreatedTime text   `json:"created_time"`
	UpdatedTime text   `json:"updated_time"`
}

func (w wireAdAccount) value() AdAccount {
	roles := make([]string, 0, len(w.Permissions))
	for _, role := range w.Permissions {
		roles = append(roles, string(role))
	}
	return AdAccount{
		ID: string(w.ID), Name: string(w.Name), Country: string(w.Country), Currency: string(w.Currency),
		OwnerUsername: string(w.Owner.Username), Permissions: roles,
		CreatedAt: epoch(w.CreatedTime), UpdatedAt: epoch(w.UpdatedTime),
	}
}

// AdAccounts returns the ad accounts the access token can see, shared ones
// included, from every page, each once, sorted by id.
func (c *Client) AdAccounts(ctx context.Context, accessToken string) ([]AdAccount, error) {
	return list[wireAdAccount, AdAccount](ctx, c, accessToken, "list ad accounts", "/ad_accounts")
}
