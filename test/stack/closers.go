package stack

import "errors"

// Closers end what was started.
type Closers struct{ all []func() error }

// Add has end called by Close.
func (c *Closers) Add(end func() error) { c.all = append(c.all, end) }

// Close ends everything, the last started first. It may be called again.
func (c *Closers) Close() error {
	var err error
	for len(c.all) > 0 {
		last := len(c.all) - 1
		err = errors.Join(err, c.all[last]())
		c.all = c.all[:last]
	}
	return err
}
