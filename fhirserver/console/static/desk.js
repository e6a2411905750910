// The desk's scripts: keys, what happens live, and the pages that they work on. Without them every page still does
// what it is for by links and forms.
import { listen } from "./live.js";
import { keys } from "./keys.js";
import { queueKeys, keepPlace } from "./queue.js";
import { itemKeys, lock } from "./item.js";
import { callKeys, callsKeys, followCall } from "./call.js";
import { campaignKeys, followCampaigns } from "./campaign.js";
import { playBack, recordingKeys } from "./recording.js";
import { browseSystem, listKeys, systemKeys, tellParts } from "./terminology.js";
import { timeTravel, popovers } from "./record.js";

const page = document.body.dataset.page;
const bindings = { queue: queueKeys, item: itemKeys, calls: callsKeys, call: callKeys, campaigns: callsKeys, campaign: campaignKeys, "past-calls": callsKeys, "past-call": recordingKeys, terminology: listKeys, "code-system": systemKeys, "value-set": listKeys, "concept-map": listKeys }[page];
keys(bindings ? bindings() : {});
listen();
if (page === "queue") keepPlace();
if (page === "item") lock();
if (page === "call") followCall();
if (page === "campaign" || page === "campaigns") followCampaigns();
if (page === "past-call") playBack();
if (page === "patient") timeTravel();
if (page === "code-system") browseSystem();
if (page === "terminology" || page === "value-set") tellParts();
popovers();
document.body.dataset.ready = "yes";
