"""Which keywords of ssh_config(5) are followed, which have no bearing here, and that is all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunnels.errors import SshConfigError
from tunnels.log import LOG
from tunnels.openssh import defaults

if TYPE_CHECKING:
    from tunnels.openssh import Settings

_FOLLOWED = """
canonicaldomains canonicalizefallbacklocal canonicalizehostname canonicalizemaxdots
canonicalizepermittedcnames connecttimeout globalknownhostsfile host hostkeyalias hostname
identitiesonly identityagent identityfile port proxycommand proxyjump serveralivecountmax
serveraliveinterval stricthostkeychecking user userknownhostsfile
"""
_NO_BEARING = """
addkeystoagent batchmode channeltimeout clearallforwardings compression connectionattempts
controlmaster controlpath controlpersist dynamicforward enableescapecommandline enablesshkeysign
escapechar exitonforwardfailure fingerprinthash forkafterauthentication forwardagent forwardx11
forwardx11timeout forwardx11trusted gatewayports gssapiauthentication gssapiclientidentity
gssapidelegatecredentials gssapikexalgorithms gssapikeyexchange gssapirenewalforcesrekey
gssapiserveridentity gssapitrustdns hashknownhosts hostbasedacceptedalgorithms
hostbasedauthentication ipqos kbdinteractiveauthentication kbdinteractivedevices localcommand
localforward loglevel logverbose nohostauthenticationforlocalhost numberofpasswordprompts
obscurekeystroketiming passwordauthentication permitlocalcommand permitremoteopen
preferredauthentications remotecommand remoteforward requesttty sendenv sessiontype setenv
stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility tag tcpkeepalive tunnel
tunneldevice updatehostkeys verifyhostkeydns visualhostkey xauthlocation
"""


def check(settings: Settings) -> None:
    """Refuse what we would not follow although it matters. Raises SshConfigError."""
    usual = defaults()
    changed = {keyword for keyword in settings if settings[keyword] != usual.get(keyword)}
    for keyword in sorted(changed.difference(_FOLLOWED.split())):
        told = f"{keyword} {' '.join(settings[keyword])}"
        if keyword not in _NO_BEARING.split():
            raise SshConfigError(
                f"'{told}' is not supported; without it another host might be reached, or less "
                "safely",
                remedy="keep that line from applying to this host, or describe the host without "
                "the file",
            )
        LOG.info("ssh_config for %s: '%s' has no bearing here", settings["host"][0], told)
    if settings["stricthostkeychecking"] == ["false"]:
        raise SshConfigError(
            "'StrictHostKeyChecking no' would trust whoever answers",
            remedy="say accept-new to trust hosts at the first sight alone, or yes, and add the "
            "host's key to known_hosts",
        )
