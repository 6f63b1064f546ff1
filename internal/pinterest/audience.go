package pinterest

import (
	"context"
	"time"
)

// The statuses of an audience.
const (
	StatusReady        = "READY"
	StatusInitializing = "INITIALIZING"
	// StatusTooSmall is an audience of fewer than 100 Pinterest accounts.
	StatusTooSmall = "TOO_SMALL"
)

// Audience is an audience of an ad account.
type Audience struct {
	ID          string
	AdAccountID string
	Name        string
	Description string
	// Type is such as CUSTOMER_LIST or VISITOR.
	Type   string
	Status string
	// Size counts Pinterest accounts; 0 also if Pinterest does not tell.
	Size int64
	// CreatedAt and UpdatedAt are zero if Pinterest does not tell.
	CreatedAt time.Time
	UpdatedAt time.Time
}

func (a Audience) id() string { return a.ID }

type wireAudience struct {
	ID          text `json:"id"`
	AdAccountID text `json:"ad_account_id"`
	Name        text `json:"name"`
	Description text `json:"description"`
	Type        text `json:"audience_type"`
	Status      text `json:"status"`
	Size        text `json:"size"`
	Created     text `json:"created_timestamp"`
	Updated     text `json:"updated_timestamp"`
}

func (w wireAudience) value() Audience {
	return Audience{
		ID: string(w.ID), AdAccountID: string(w.AdAccountID), Name: string(w.Name), Description: string(w.Description),
		Type: string(w.Type), Status: string(w.Status), Size: number(w.Size),
		CreatedAt: epoch(w.Created), UpdatedAt: epoch(w.Updated),
	}
}

// Audiences returns the audiences an ad account owns, from every page, each once, sorted by id.
func (c *Client) Audiences(ctx context.Context, accessToken, adAccountID string) ([]Audience, error) {
	op := "list audiences of ad account " + adAccountID
	if err := checkID(op, adAccountID); err != nil {
		return nil, err
	}
	return list[wireAudience, Audience](ctx, c, accessToken, op, "/ad_accounts/"+adAccountID+"/audiences")
}
