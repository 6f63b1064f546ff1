package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWorkerDefaults(t *testing.T) {
	t.Parallel()
	w, err := WorkerFromEnv(environment())
	require.NoError(t, err)
	require.Equal(t, Worker{
		Credentials: "credentials.yaml", AdobeIMSURL: "https://ims-na1.adobelogin.com", AdobeURL: "https://platform.adobe.io",
		PinterestURL: "https://api.pinterest.com", AdobeRPS: 40, HealthAddress: "127.0.0.1:8081",
		Notices: "./notices", Reports: "./reports", LogLevel: "info",
	}, w)
}

func TestWorkerReadsEveryVariable(t *testing.T) {
	t.Parallel()
	w, err := WorkerFromEnv(environment(
		EnvCredentials, "/run/secrets/credentials.yaml", EnvAdobeIMSURL, "http://emulator:8480", EnvAdobeURL, "http://emulator:8480/",
		EnvPinterestURL, "http://emulator:8480", EnvAllowPlain, "1", EnvAdobeRPS, "2.5", EnvHealthAddress, ":9000",
		EnvNotices, "/n", EnvReports, "/r", EnvLogFormat, "json", EnvLogLevel, "debug"))
	require.NoError(t, err)
	require.Equal(t, Worker{
		Credentials: "/run/secrets/credentials.yaml", AdobeIMSURL: "http://emulator:8480", AdobeURL: "http://emulator:8480/",
		PinterestURL: "http://emulator:8480", AllowPlainHTTP: true, AdobeRPS: 2.5, HealthAddress: ":9000",
		Notices: "/n", Reports: "/r", LogFormat: "json", LogLevel: "debug",
	}, w)
}

func TestWorkerTellsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	_, err := WorkerFromEnv(environment(
		EnvAdobeIMSURL, "https://user:"+canary+"@ims.example", EnvAdobeURL, "http://platform.adobe.io",
		EnvPinterestURL, "https://api.pinterest.com/?token="+canary, EnvAllowPlain, "yes", EnvAdobeRPS, "fast", EnvHealthAddress, "8081",
		EnvLogFormat, "xml", EnvLogLevel, "loud"))
	require.Error(t, err)
	require.Equal(t, []string{
		"CUTOVER_ADOBE_IMS_URL must not hold a user or a password",
		`CUTOVER_ADOBE_RPS is "fast"; it must be a number above 0 and up to 10000`,
		"CUTOVER_ADOBE_URL must use https: credentials travel there (a rehearsal may set CUTOVER_ALLOW_PLAIN_HTTP=1)",
		"CUTOVER_ALLOW_PLAIN_HTTP must be 1 or 0",
		`CUTOVER_HEALTH_ADDRESS is "8081"; it must be HOST:PORT such as 127.0.0.1:8081`,
		`CUTOVER_LOG_FORMAT is "xml"; it must be json or console`,
		`CUTOVER_LOG_LEVEL is "loud"; it must be debug, info, warn or error`,
		"CUTOVER_PINTEREST_URL must not hold a query or a fragment",
	}, strings.Split(err.Error(), "\n"))
}

func TestWorkerURLs(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"https://platform.adobe.io": true, "https://platform.adobe.io/base": true, "http://127.0.0.1:8480": true, "http://[::1]:8480": true,
		"http://localhost:1": true, "http://LOCALHOST": true, "http://127.0.0.1.evil.example": false, "http://emulator:8480": false,
		"platform.adobe.io": false, "/path": false, "ftp://platform.adobe.io": false, "https://": false, "https://:80": false, "://": false,
		"https://a/#f": false, "https://a/?": false,
	} {
		_, err := WorkerFromEnv(environment(EnvAdobeURL, url))
		require.Equal(t, ok, err == nil, "%s: %v", url, err)
	}
	for rps, ok := range map[string]bool{"0": false, "-1": false, "NaN": false, "Inf": false, "1e9": false, "0.5": true, "50": true} {
		_, err := WorkerFromEnv(environment(EnvAdobeRPS, rps))
		require.Equal(t, ok, err == nil, rps)
	}
}
