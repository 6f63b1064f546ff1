// Package pinterest is a typed client of the parts of Pinterest's API v5 that a
// migration needs: the OAuth grants an operator's own app holds, and reading what
// has arrived at an advertiser's account.
//
// The client never repeats a call. What went wrong comes back as [Error],
// [MalformedError] or [TransportError], none of which holds a token.
package pinterest
