package stack

import "time"

// services are the parts of a Temporal server.
var services = []string{"frontend", "history", "matching", "worker"}

// config is the server's own configuration file. Ports come in pairs, a service's and its membership's.
func (t *Temporal) config(ports []int, dynamic string) map[string]any {
	type values = map[string]any
	store := func(database string, connections int) values {
		return values{"sql": values{
			"pluginName": "postgres12_pgx", "databaseName": database, "connectAddr": t.postgres.address, "connectProtocol": "tcp",
			"user": postgresUser, "password": t.postgres.password, "maxConns": connections, "maxIdleConns": connections, "maxConnLifetime": time.Hour.String(),
		}}
	}
	parts := values{}
	for i, name := range services {
		parts[name] = values{"rpc": values{"grpcPort": ports[2*i], "membershipPort": ports[2*i+1], "bindOnLocalHost": true}}
	}
	disabled := values{"history": values{"state": "disabled"}, "visibility": values{"state": "disabled"}}
	return values{
		"log": values{"stdout": true, "level": "error"},
		"persistence": values{
			"defaultStore": dbMain, "visibilityStore": dbVisibility, "numHistoryShards": shards,
			"datastores": values{dbMain: store(dbMain, 20), dbVisibility: store(dbVisibility, 10)},
		},
		"global":   values{"membership": values{"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"}},
		"services": parts,
		"clusterMetadata": values{
			"enableGlobalNamespace": false, "failoverVersionIncrement": 10, "masterClusterName": "active", "currentClusterName": "active",
			"clusterInformation": values{"active": values{"enabled": true, "initialFailoverVersion": 1, "rpcName": "frontend", "rpcAddress": t.Address}},
		},
		"dcRedirectionPolicy": values{"policy": "noop"},
		"publicClient":        values{"hostPort": t.Address},
		"archival":            disabled,
		"namespaceDefaults":   values{"archival": disabled},
		"dynamicConfigClient": values{"filepath": dynamic, "pollInterval": "1m"},
	}
}
