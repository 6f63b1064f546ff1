// Package vendorhttp is what the clients of both vendors share: where credentials may
// travel ([ParseBase], [NewHTTPClient], [TokenTransport]), what of an answer may be
// repeated ([Show], [Clip]), how fields are read that come in more than one spelling
// ([Text]), and how a broken call is told ([TimedOut], [Temporary]).
//
// It knows neither vendor: paths, codes, error texts and the reading of
// Retry-After, which differ, stay with each client.
package vendorhttp
