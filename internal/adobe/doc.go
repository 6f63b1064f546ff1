// Package adobe is a typed client of Adobe's identity service (IMS) and of the
// destinations side of Experience Platform's Flow Service.
//
// A [Client] knows where Adobe is; a [Sandbox] is one sandbox of the one
// organization its [Credential] belongs to, and every call starts there, so a
// credential cannot travel with another organization's id.
//
// The client never repeats a call by itself, with one exception: an access token
// refused with 401 is renewed once and the call is sent once more. Everything
// else comes back as an error that tells the caller enough to decide: [Error] for
// an answer that refuses, [MalformedError] for one that cannot be understood,
// [TokenError] for a token that was not granted and [TransportError] for no answer.
package adobe
