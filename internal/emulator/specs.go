package emulator

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

// listedFlowSpec renders the flow spec of a card, which it may share with others.
func (e *Emulator) listedFlowSpec(s *spec) listed {
	var targets []string
	for _, other := range e.world.specs {
		if other.FlowSpecID == s.FlowSpecID && !other.hidden {
			targets = append(targets, other.ID)
		}
	}
	sources := []string{profileStoreSpec}
	if s.isSource {
		sources, targets = targets, sources
	}
	body := map[string]any{
		"id": s.FlowSpecID, "name": s.flowSpec, "providerId": stableID("provider"), "version": "1.0",
		"createdAt": s.created.UnixMilli(), "updatedAt": s.created.UnixMilli(),
		"sourceConnectionSpecIds": sources, "targetConnectionSpecIds": targets,
	}
	return listed{value: body, served: Served{ID: s.FlowSpecID}}
}

// firstOfItsFlow tells that no card before this one has the same flow spec.
func (e *Emulator) firstOfItsFlow(s *spec) bool {
	return s == find(e.world.specs, func(other *spec) bool { return other.FlowSpecID == s.FlowSpecID && !other.hidden })
}

// listConnectionSpecs is GET /connectionSpecs.
func (c *call) listConnectionSpecs() answer {
	return c.list("/connectionSpecs", each(c.world.specs, func(s *spec) bool { return !s.hidden }, listedConnectionSpec))
}

// listFlowSpecs is GET /flowSpecs.
func (c *call) listFlowSpecs() answer {
	return c.list("/flowSpecs", each(c.world.specs, c.firstOfItsFlow, c.listedFlowSpec))
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
