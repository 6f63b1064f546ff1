package emulator

import (
	"iter"
)

// connectionSpecs lists the cards that exist now; specs are the same for all organizations.
func (e *Emulator) connectionSpecs(render func(*spec) listed) iter.Seq[listed] {
	return each(e.world.specs, func(s *spec) bool { return !s.hidden }, render)
}

func listedConnectionSpec(s *spec) listed {
	authType, authName := "BasicAuth", "Access Key"
	if s.usesOAuth2 {
		authType, authName = "OAuth2", "OAuth2"
	}
	kind := "targetSpec"
	if s.isSource {
		kind = "sourceSpec"
	}
	body := map[string]any{
		"id": s.ID, "name": s.Name, "providerId": stableID("provider"), "version": "1.0",
		"createdAt": s.created.UnixMilli(), "updatedAt": s.created.UnixMilli(),
		"authSpec": []any{map[string]any{"name": authName, "type": authType, "spec": map[string]any{}}},
		kind:       map[string]any{"spec": map[string]any{}},
		"attributes": map[string]any{
			"category": "advertising", "connectorName": s.Name, "isSource": s.isSource, "isDestination": !s.isSource,
			"uiAttributes": map[string]any{"label": s.Name},
		},
		"permissionsInfo": map[string]any{},
	}
	return listed{value: body, served: Served{ID: s.ID}}
}

func listedFlowSpec(s *spec) listed {
	sources, targets := []string{profileStoreSpec}, []string{s.ID}
	if s.isSource {
		sources, targets = []string{s.ID}, []string{profileStoreSpec}
	}
	body := map[string]any{
		"id": s.FlowSpecID, "name": s.flowSpec, "providerId": stableID("provider"), "version": "1.0",
		"createdAt": s.created.UnixMilli(), "updatedAt": s.created.UnixMilli(),
		"sourceConnectionSpecIds": sources, "targetConnectionSpecIds": targets,
	}
	return listed{value: body, served: Served{ID: s.FlowSpecID}}
}

// listConnectionSpecs is GET /connectionSpecs.
func (c *call) listConnectionSpecs() answer {
	return c.list("/connectionSpecs", c.connectionSpecs(listedConnectionSpec))
}

// listFlowSpecs is GET /flowSpecs.
func (c *call) listFlowSpecs() answer {
	return c.list("/flowSpecs", c.connectionSpecs(listedFlowSpec))
}

// readConnectionSpec is GET /connectionSpecs/{id}.
func (c *call) readConnectionSpec() answer {
	for _, s := range c.world.specs {
		if s.ID == c.entry.ID && !s.hidden {
			return c.one(listedConnectionSpec(s))
		}
	}
	return c.notFound("1101-404", "connectionSpecs", c.entry.ID)
}
