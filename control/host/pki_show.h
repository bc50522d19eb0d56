#pragma once
/*
 * show security pki: what the files of the store hold, as it stands.
 */
#include "control.pb-c.h"

struct daemon;
struct ctl_call;

void pki_show(struct daemon *d, const Ctl__ShowPki *q, struct ctl_call *call);
