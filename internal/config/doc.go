// Package config reads what operators write: the manifest, the credentials and the worker's environment. Every reader reports all faults at
// once, and no fault ever holds a secret.
package config
