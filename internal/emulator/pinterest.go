package emulator

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldPinterest is the v4 API, which answers 410 from the day it was closed.
func (c *call) oldPinterest() answer {
	if c.oldAPIGone() {
		return pinterestRefusal(http.StatusGone, http.StatusGone, "this version of the API has been removed")
	}
	return reply(http.StatusOK, map[string]any{"status": "success", "data": []any{}})
}

func (c *call) oldAPIGone() bool {
	return !c.world.oldClosed.IsZero() && !c.now.Before(c.world.oldClosed)
}

// userAccount is GET /v5/user_account.
func (c *call) userAccount() answer {
	c.entry.Applied = true
	return reply(http.StatusOK, map[string]any{
		"id": stableDigits("user", c.org.id), "username": c.org.pinterestUser, "account_type": "BUSINESS",
		"business_name": c.org.name, "profile_image": "", "website_url": nil, "about": "",
		"board_count": 0, "pin_count": 0, "follower_count": 0, "following_count": 0, "monthly_views": 0,
	})
}

// advertisers are the ad accounts the organization's dataflows name, in order.
func advertisers(org *organization) []string {
	var ids []string
	for _, sb := range org.sandboxes {
		for _, t := range sb.targets {
			if id := t.advertiser(); id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func (c *call) adAccount(id string) map[string]any {
	return map[string]any{
		"id": id, "name": c.org.name + " " + id, "country": "US", "currency": "USD",
		"owner":       map[string]string{"id": stableDigits("user", c.org.id), "username": c.org.pinterestUser},
		"permissions": []string{"OWNER"}, "created_time": c.start.AddDate(-3, 0, 0).Unix(), "updated_time": c.start.Unix(),
	}
}

// listAdAccounts is GET /v5/ad_accounts.
func (c *call) listAdAccounts() answer {
	var all []map[string]any
	for _, id := range advertisers(c.org) {
		all = append(all, c.adAccount(id))
	}
	return c.bookmarked(all)
}

// readAdAccount is GET /v5/ad_accounts/{id}.
func (c *call) readAdAccount() answer {
	id := c.entry.ID
	if !slices.Contains(advertisers(c.org), id) {
		return c.noAdAccount()
	}
	c.entry.Applied = true
	return reply(http.StatusOK, c.adAccount(id))
}

func (c *call) noAdAccount() answer {
	return pinterestRefusal(http.StatusNotFound, 2, "AdAccount not found")
}

// pinnedAudience is an audience as Pinterest has it: fed by every dataflow that carries it.
type pinnedAudience struct {
	Audience
	created, updated time.Time
	size, batches    int
}

func (p *pinnedAudience) pinID(advertiser string) string {
	return stableDigits("audience", advertiser, p.ID)
}

// pinned collects the audiences of an ad account.
func (e *Emulator) pinned(org *organization, advertiser string) []*pinnedAudience {
	byID := map[string]*pinnedAudience{}
	var all []*pinnedAudience
	for _, sb := range org.sandboxes {
		for _, f := range sb.flows {
			if f.target.advertiser() != advertiser {
				continue
			}
			last, batches := e.delivered(f)
			for _, audience := range f.audiences() {
				p := byID[audience.ID]
				if p == nil {
					p = &pinnedAudience{Audience: audience, created: f.created, updated: f.created}
					byID[audience.ID] = p
					all = append(all, p)
				}
				if last.After(p.updated) {
					p.updated = last
				}
				p.batches += batches
				p.size = max(p.size, f.runs.now().profiles)
			}
		}
	}
	slices.SortFunc(all, func(a, b *pinnedAudience) int { return cmp.Compare(a.pinID(advertiser), b.pinID(advertiser)) })
	return all
}

// delivered tells when the flow last reached Pinterest and how often in a day at most.
func (e *Emulator) delivered(f *flow) (last time.Time, batches int) {
	for r := range e.runsOf(f, e.now.Add(-24*time.Hour)) {
		if r.outcome != runSuccess || r.plan.received() == 0 {
			continue
		}
		if last.IsZero() {
			last = r.end
		}
		batches++
	}
	return last, batches
}

func (p *pinnedAudience) status(kind string) string {
	switch {
	case p.size < 100:
		return "TOO_SMALL"
	case p.batches == 0 && kind == "audience":
		return "INITIALIZING"
	case p.batches == 0:
		return "PROCESSING"
	default:
		return "READY"
	}
}

func (p *pinnedAudience) audience(advertiser, company string) map[string]any {
	return map[string]any{
		"id": p.pinID(advertiser), "ad_account_id": advertiser, "name": p.Name, "description": "",
		"audience_type": "CUSTOMER_LIST", "rule": map[string]string{"customer_list_id": stableDigits("list", advertiser, p.ID)},
		"size": p.size, "status": p.status("audience"), "type": "audience", "created_by_company_name": company,
		"created_timestamp": p.created.Unix(), "updated_timestamp": p.updated.Unix(),
	}
}

func (p *pinnedAudience) list(advertiser string) map[string]any {
	return map[string]any{
		"id": stableDigits("list", advertiser, p.ID), "ad_account_id": advertiser, "name": p.Name,
		"status": p.status("list"), "num_batches": strconv.Itoa(1 + p.batches),
		"num_uploaded_user_records": p.size * max(1, p.batches), "num_removed_user_records": 0,
		"created_time": p.created.Unix(), "updated_time": p.updated.Unix(), "exceptions": map[string]any{}, "type": "customerlist",
	}
}

// listAudiences is GET /v5/ad_accounts/{id}/audiences.
func (c *call) listAudiences() answer { return c.audiencesAs(c.audienceBody, "") }

// readAudience is GET /v5/ad_accounts/{id}/audiences/{audience}.
func (c *call) readAudience() answer { return c.audiencesAs(c.audienceBody, c.r.PathValue("audience")) }

// listCustomerLists is GET /v5/ad_accounts/{id}/customer_lists.
func (c *call) listCustomerLists() answer { return c.audiencesAs(c.listBody, "") }

// readCustomerList is GET /v5/ad_accounts/{id}/customer_lists/{list}.
func (c *call) readCustomerList() answer { return c.audiencesAs(c.listBody, c.r.PathValue("list")) }

func (c *call) audienceBody(p *pinnedAudience) map[string]any {
	return p.audience(c.r.PathValue("id"), c.org.name)
}

func (c *call) listBody(p *pinnedAudience) map[string]any { return p.list(c.r.PathValue("id")) }

// audiencesAs answers with all audiences of the ad account in one of their two forms, or with the one of that id.
func (c *call) audiencesAs(render func(*pinnedAudience) map[string]any, only string) answer {
	advertiser := c.r.PathValue("id")
	if !slices.Contains(advertisers(c.org), advertiser) {
		return c.noAdAccount()
	}
	var all []map[string]any
	for _, p := range c.pinned(c.org, advertiser) {
		body := render(p)
		if only != "" && body["id"] == only {
			c.entry.Applied, c.entry.ID = true, only
			return reply(http.StatusOK, body)
		}
		all = append(all, body)
	}
	if only != "" {
		return pinterestRefusal(http.StatusNotFound, http.StatusNotFound, "not found")
	}
	slices.SortFunc(all, func(a, b map[string]any) int { return strings.Compare(fmt.Sprint(a["id"]), fmt.Sprint(b["id"])) })
	if c.r.URL.Query().Get("order") == "DESCENDING" {
		slices.Reverse(all)
	}
	if c.r.URL.Query().Get("ownership_type") == "RECEIVED" {
		all = nil
	}
	return c.bookmarked(all)
}

// bookmarked cuts a Pinterest page.
func (c *call) bookmarked(all []map[string]any) answer {
	values := c.r.URL.Query()
	size := 25
	if text := values.Get("page_size"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 250 {
			return pinterestRefusal(http.StatusBadRequest, 1, "page_size must be a number from 1 to 250")
		}
		size = n
	}
	from := 0
	if mark := values.Get("bookmark"); mark != "" {
		text, err := base64.RawURLEncoding.DecodeString(mark)
		if err != nil || json.Unmarshal(text, &from) != nil || from < 0 {
			return pinterestRefusal(http.StatusBadRequest, 1, "bookmark is not valid")
		}
	}
	from = min(from, len(all))
	to := min(from+size, len(all))
	items := append([]map[string]any{}, all[from:to]...)
	for _, item := range items {
		if id, ok := item["id"].(string); ok {
			c.entry.Served = append(c.entry.Served, Served{ID: id})
		}
	}
	var bookmark *string
	if to < len(all) {
		text := base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to)))
		bookmark = &text
	}
	c.entry.Applied = true
	return reply(http.StatusOK, map[string]any{"items": items, "bookmark": bookmark})
}
