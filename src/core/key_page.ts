/** The page of Humanloop that makes keys. */
export const KEY_PAGE = "https://app.humanloop.com/account/api-keys";
